/** Checks what a configuration says of its API, for the documents: tools refuse documents of which it is not so. */
import { type Check, isObject, shape, text } from './checkers.ts'

const url: Check = (value, path, report) => {
  if (typeof value === 'string' && /^https?:\/\/\S+$/.test(value) && URL.canParse(value)) return
  report(path, 'must be a URL such as "https://example.com/support"', { value })
}

const email: Check = (value, path, report) => {
  if (typeof value !== 'string' || !/^[^\s@]+@[^\s@]+$/.test(value))
    report(path, 'must be an e-mail address such as "api@example.com"', { value })
}

const license: Check = (value, path, report) => {
  const members = { name: text('the name of a licence, such as "MIT"'), identifier: text('an SPDX one, such as "MIT"') }
  shape({ members: { ...members, url }, required: ['name'] })(value, path, report)
  if (isObject(value) && value['identifier'] !== undefined && value['url'] !== undefined)
    report(path, 'has "identifier" and "url", of which a document can have one; remove the other')
}

/** The check of `info`. */
export const info: Check = shape({
  members: {
    title: text('the name of the API'),
    version: text('a version, such as "2.1.0"'),
    description: text('a text'),
    contact: shape({ members: { name: text('a name'), url, email } }),
    license,
  },
})
