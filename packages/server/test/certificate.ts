/** A certificate of the test's own, for 127.0.0.1. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keepPrivateKey } from './fixtures/secrets-notes.ts'
import { temporaryDir } from './harness.ts'

/** Paths of PEM files, as `listen.tls` takes them. */
export async function certificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const dir = await temporaryDir()
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  keepPrivateKey(readFileSync(key))
  return { cert, key }
}
