/** Operations of the OpenAPI document, each as a row that is shown in full when it is opened. */
import { type Child, folded, make } from './dom.ts'
import { phrase } from './prose.ts'
import { isObject, textIn } from './schema.ts'
import { showOperation } from './viewer.ts'

type Shape = Readonly<Record<string, unknown>>

/** An operation, and where the document has it. */
interface Operation {
  readonly path: string
  readonly method: string
  readonly shape: Shape
  /** Of one topic definition; absent of all others. */
  readonly topic: string | undefined
}

const METHODS: readonly string[] = ['get', 'post', 'put', 'patch', 'delete']

type ByTopic = ReadonlyMap<string | undefined, readonly Operation[]>

let whole: Shape = {}
let known: Promise<ByTopic> = Promise.resolve(new Map())

/** Takes the document as it comes, for all rows that are asked for from now on. */
export function takeOperations(openapi: Promise<unknown>): void {
  known = openapi.then((document) => {
    whole = isObject(document) ? document : {}
    return Map.groupBy(operationsIn(whole), ({ topic }) => topic)
  })
  // Whoever shows the others tells what went wrong.
  known.catch(() => undefined)
}

function operationsIn(document: Shape): readonly Operation[] {
  const paths = isObject(document['paths']) ? Object.entries(document['paths']) : []
  return paths.flatMap(([path, item]) =>
    METHODS.flatMap((method): Operation[] => {
      const shape = isObject(item) ? item[method] : undefined
      if (!isObject(shape)) return []
      const of = shape['x-topic']
      return [{ path, method, shape, topic: isObject(of) ? String(of['topic']) : undefined }]
    }),
  )
}

/** The rows of a topic or template, once the document is there; none if it can't be had. */
export async function topicOperations(topic: string): Promise<readonly Node[]> {
  const all = await known.catch((): ByTopic => new Map())
  return (all.get(topic) ?? []).map(rowOf)
}

/** The rows of all that is of no one topic, by their tags. */
export async function otherOperations(): Promise<readonly Node[]> {
  const all = (await known).get(undefined) ?? []
  const tagged = Map.groupBy(all, ({ shape }) => (Array.isArray(shape['tags']) ? String(shape['tags'][0]) : 'Others'))
  return [...tagged].flatMap(([tag, operations]) => [
    make('h3', {}, tag),
    make('div', { class: 'operations' }, ...operations.map(rowOf)),
  ])
}

function rowOf(operation: Operation): Node {
  const { path, method, shape } = operation
  const summary = [
    make('span', { class: `method ${method}` }, method.toUpperCase()),
    make('code', { class: 'path' }, path),
    make('span', { class: 'faint' }, textIn(shape, 'summary')),
  ]
  return folded(summary, () => bodyOf(operation), {
    id: `operation-${textIn(shape, 'operationId')}`,
    class: 'operation',
  })
}

function bodyOf({ path, method, shape }: Operation): readonly Child[] {
  const into = make('div', { class: 'viewer' })
  void showOperation(whole, path, method, into)
  return [...socketOf(shape['x-websocket']), into]
}

/** What an operation can turn into, of which OpenAPI has no words. */
function socketOf(socket: unknown): readonly Node[] {
  if (!isObject(socket)) return []
  const { subprotocols } = socket
  const offered = textIn(socket, 'credentialsSubprotocol')
  const names = Array.isArray(subprotocols) ? subprotocols.map((name) => `\`${String(name)}\``).join(' or ') : ''
  const credentials = offered === '' ? '' : `, credentials as \`${offered}\``
  const text = `With \`Upgrade: websocket\` it opens a WebSocket, with the subprotocol ${names}${credentials}. `
  return [make('p', { class: 'words' }, ...phrase(text), make('a', { href: '#messages' }, 'What it carries'))]
}
