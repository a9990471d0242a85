/** The pages behind the type URIs of problems [WP-5.3]. */
import { PROBLEMS, ProblemError, type ProblemName, type ProblemRow, problemType } from '@watchpost/protocol'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'

const HTML = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': "default-src 'none'" }

export function serveProblems(_app: App, exchange: Exchange): void {
  const entries = Object.entries(PROBLEMS)
  if (prefersJson(exchange)) {
    exchange.json(200, JSON.stringify({ problems: entries.map(([name, row]) => ({ type: typeUri(name), ...row })) }))
    return
  }
  const items = entries.map(([name, row]) => `<li><a href="problems/${name}">${name}</a>: ${escape(row.title)}</li>`)
  exchange.send(200, page('Problems', `<ul>${items.join('')}</ul>`), HTML)
}

export function serveProblem(_app: App, exchange: Exchange, name: string): void {
  if (!Object.hasOwn(PROBLEMS, name)) throw new ProblemError('not-found', 'There is no problem of this name.')
  const row = PROBLEMS[name as ProblemName]
  if (prefersJson(exchange)) exchange.json(200, JSON.stringify({ type: typeUri(name), ...row }))
  else exchange.send(200, page(row.title, body(name, row)), HTML)
}

const typeUri = (name: string): string => problemType(name as ProblemName)

const prefersJson = (exchange: Exchange): boolean =>
  new Negotiator(exchange.request).mediaType(['text/html', 'application/json']) === 'application/json'

function body(name: string, row: ProblemRow): string {
  return `<dl><dt>Type</dt><dd><code>${typeUri(name)}</code></dd><dt>HTTP status</dt><dd>${row.status}</dd>
<dt>When</dt><dd>${escape(row.when)}</dd><dt>What to do</dt><dd>${escape(row.fix)}</dd>
<dt>Retry</dt><dd>${row.retry}</dd></dl>`
}

const page = (title: string, content: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>${escape(title)}</title><h1>${escape(title)}</h1>${content}</html>\n`

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
