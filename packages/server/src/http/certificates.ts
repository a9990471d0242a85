/** The server's certificate and key: read from their files, checked, and read again when they change. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Logger } from 'pino'
import type { TlsFiles } from '../config/config.ts'

/** What the files hold, as Node's TLS takes it. */
export interface Certificates {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

/**
 * The files are compared this often, by content: that sees every way of replacing them, also links of folders far up and
 * file systems that tell of no change.
 */
const COMPARE_EVERY_MS = 500

/** @throws Error that names the setting, the file and how to mend it */
export async function readCertificates(files: TlsFiles): Promise<Certificates> {
  const { cert, key, ca } = files
  const [certPem, keyPem, caPem] = await Promise.all([
    readPem('cert', cert),
    readPem('key', key),
    ca === undefined ? undefined : readPem('ca', ca),
  ])
  return { cert: certPem, key: keyPem, ...(caPem !== undefined && { ca: caPem }) }
}

/**
 * Checks that all is whole and that the key is that of the certificate.
 * @returns what a log says of the server's certificate
 * @throws Error as {@link readCertificates} does
 */
export function checkCertificates(files: TlsFiles, found: Certificates): { subject: string; validTo: string } {
  const [leaf] = certificatesIn('cert', files.cert, found.cert)
  if (files.ca !== undefined && found.ca !== undefined) certificatesIn('ca', files.ca, found.ca)
  const key = keyIn(files.key, found.key)
  if (!leaf.checkPrivateKey(key)) {
    throw new Error(
      `listen.tls.key: ${files.key} is not the key of the first certificate in ${files.cert}; give the two that belong together.`,
    )
  }
  try {
    createSecureContext(found)
  } catch (error) {
    throw new Error(`listen.tls: ${files.cert} and ${files.key} can't be used: ${(error as Error).message}.`, {
      cause: error,
    })
  }
  return { subject: leaf.subject.replaceAll('\n', ', '), validTo: new Date(leaf.validTo).toISOString() }
}

async function readPem(what: keyof TlsFiles, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`listen.tls.${what}: ${path} can't be read (${code}); give the path of a PEM file.`, {
      cause: error,
    })
  }
}

const BEGIN = '-----BEGIN CERTIFICATE-----'
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

function certificatesIn(what: keyof TlsFiles, path: string, pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const text = pem.toString('latin1')
  const [first, ...others] = text.match(CERTIFICATE) ?? []
  if (first === undefined || others.length + 1 !== text.split(BEGIN).length - 1) {
    throw new Error(`listen.tls.${what}: ${path} holds no whole certificate; give a PEM file, "${BEGIN}…".`)
  }
  try {
    return [new X509Certificate(first), ...others.map((each) => new X509Certificate(each))]
  } catch (error) {
    const { message } = error as Error
    throw new Error(`listen.tls.${what}: a certificate in ${path} can't be parsed (${message}).`, { cause: error })
  }
}

function keyIn(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new Error(
      `listen.tls.key: ${path} holds no private key that can be used (${(error as Error).message}); give a PEM file whose key has no passphrase.`,
      { cause: error },
    )
  }
}

/** Follows the files until it is told to stop. Whatever can't be used is logged, once, and what was used before stays. */
export class CertificateReloading {
  readonly #files: TlsFiles
  readonly #use: (found: Certificates) => void
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #reading = false
  /** Digests of what was applied or refused last, and of what the last comparison saw. */
  #tried: string
  #seen: string

  /**
   * @param first what is used at the start
   * @param use applies what was found, and was checked
   */
  constructor(files: TlsFiles, first: Certificates, use: (found: Certificates) => void, logger: Logger) {
    this.#files = files
    this.#use = use
    this.#logger = logger
    this.#tried = digest(first)
    this.#seen = this.#tried
  }

  start(): void {
    this.#timer = setInterval(() => void this.#compare(), COMPARE_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Reports every failure to the log, so that its promise never rejects. */
  async #compare(): Promise<void> {
    // A file system that hangs is not asked again meanwhile.
    if (this.#reading) return
    this.#reading = true
    const found = await readCertificates(this.#files).catch((error: unknown) => error as Error)
    this.#reading = false
    const now = found instanceof Error ? found.message : digest(found)
    // Files are written in several steps, and one after the other; what stays as it is for a while is done.
    const isSettled = now === this.#seen
    this.#seen = now
    if (!isSettled || now === this.#tried || this.#timer === undefined) return
    this.#tried = now
    try {
      if (found instanceof Error) throw found
      const about = checkCertificates(this.#files, found)
      this.#use(found)
      this.#logger.info(about, 'the TLS certificate was read again, and is used for new connections')
    } catch (error) {
      const { message } = error as Error
      this.#logger.error(`the TLS files changed, but can't be used; the old certificate stays in use: ${message}`)
    }
  }
}

function digest({ cert, key, ca }: Certificates): string {
  const hash = createHash('sha256')
  for (const part of [cert, key, ca ?? Buffer.alloc(0)]) hash.update(`${part.length}:`).update(part)
  return hash.digest('base64')
}
