/** Idempotency keys of publishers [WP-3.10], as the log knows them. */
import { createHash } from 'node:crypto'
import type { Identity, PublishOptions } from '@watchpost/core'
import { type Limits, ProblemError } from '@watchpost/protocol'

/**
 * A key counts per publisher and topic; hashed, it has one length and shows nothing of itself in the store.
 * @param where how an error names the key, such as `Idempotency-Key`
 * @param body what must be the same when the key is
 * @throws ProblemError `invalid-parameter`
 */
export function idempotencyOf(
  key: string,
  where: string,
  scope: { readonly identity: Identity; readonly topic: string; readonly limits: Limits },
  body: string | Uint8Array,
): NonNullable<PublishOptions['idempotency']> {
  const { idempotencyKeyBytesMax } = scope.limits
  if (key === '' || Buffer.byteLength(key) > idempotencyKeyBytesMax) {
    throw new ProblemError('invalid-parameter', `${where}: must have 1 to ${idempotencyKeyBytesMax} bytes.`)
  }
  return {
    // Not by the identity's name: a publisher whose rights changed in between is the same one. Nor by its subject, which
    // two issuers can give to different publishers.
    key: sha256(JSON.stringify([scope.identity.holder ?? null, scope.topic, key])),
    fingerprint: sha256(body),
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('base64url')
