/** The pages behind the type URIs of problems [WP-5.3]. */
import { PROBLEMS, ProblemError, type ProblemName, problemType } from '@watchpost/protocol'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import { readAssets } from '../documents/page/assets.ts'
import { problemDetails, problemsTable } from '../documents/page/catalogue.ts'
import { type Html, htmlOf, PAGE_HEADERS, text } from '../documents/page/html.ts'
import type { Exchange } from '../http/exchange.ts'

export async function serveProblems(_app: App, exchange: Exchange): Promise<void> {
  if (prefersJson(exchange)) {
    const problems = Object.entries(PROBLEMS).map(([name, row]) => ({ type: problemType(name as ProblemName), ...row }))
    exchange.json(200, JSON.stringify({ problems }), { vary: varyOf(exchange) })
  } else await sendPage(exchange, 'Problems', problemsTable(exchange.basePath))
}

/** @throws ProblemError `not-found` */
export async function serveProblem(_app: App, exchange: Exchange, name: string): Promise<void> {
  if (!isProblem(name)) throw new ProblemError('not-found', 'There is no problem of this name; /problems lists them.')
  const row = PROBLEMS[name]
  if (prefersJson(exchange)) {
    exchange.json(200, JSON.stringify({ type: problemType(name), ...row }), { vary: varyOf(exchange) })
  } else await sendPage(exchange, row.title, problemDetails(name, row))
}

const isProblem = (name: string): name is ProblemName => Object.hasOwn(PROBLEMS, name)

const prefersJson = (exchange: Exchange): boolean =>
  new Negotiator(exchange.request).mediaType(['text/html', 'application/json']) === 'application/json'

/** What is chosen by `Accept`, beside what CORS may have said that the answer depends on. */
function varyOf({ response }: Exchange): string {
  const before = response.getHeader('vary')
  return typeof before === 'string' ? `${before}, Accept` : 'Accept'
}

async function sendPage(exchange: Exchange, title: string, content: Html): Promise<void> {
  const { version } = await readAssets()
  const root = text(exchange.basePath)
  const nav = `<nav aria-label="Pages"><a href="${root}/docs">Reference</a> <a href="${root}/problems">All problems</a></nav>`
  const main = `<section><h1>${text(title)}</h1>\n${content}</section>`
  const page = { title: `${title}: Watchpost`, basePath: exchange.basePath, assets: version, main, nav }
  exchange.send(200, htmlOf(page), { ...PAGE_HEADERS, vary: varyOf(exchange) })
}
