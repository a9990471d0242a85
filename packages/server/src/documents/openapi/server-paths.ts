/** The paths of the server itself: tickets, connections, drain and problems. */
import type { JsonSchema } from '@watchpost/core'
import { refTo } from '../schemas.ts'
import type { Building, Node, Paths } from './building.ts'
import { documentPaths, probePaths } from './document-paths.ts'
import { HTML, json } from './media.ts'
import { answer, operation } from './operation.ts'
import { parameter, parametersNamed } from './parameters.ts'
import { headersNamed } from './responses.ts'
import { asksWho } from './security.ts'

export const serverPaths = (building: Building): Paths => ({
  ...(asksWho(building.documented) && identityPaths(building)),
  ...problemPaths(building),
  ...documentPaths(building),
  ...(building.documented.probes && probePaths(building)),
})

/** Of what only identities can do: where nobody can be one, all of it is refused. */
const identityPaths = (building: Building): Paths => ({
  '/v1/tickets': { post: createTicket(building) },
  ...connectionPaths(building),
  '/v1/drain': { post: drain(building) },
})

const createTicket = (building: Building): Node =>
  operation(building, {
    ...{ id: 'createTicket', tag: 'Connections', summary: 'Get a ticket', row: 'createTicket', may: 'holders' },
    text: 'A ticket stands for the credentials of the request in `?ticket=`, once, within 30 seconds [WP-3.15].',
    answers: { 201: answer('A ticket.', refTo('Ticket')) },
  })

const linkTo = (operationId: string, description: string): Node => ({
  ...{ operationId, description, parameters: { id: '$response.body#/connections/0/id' } },
})

/** What can be done with a connection that is listed, such as the first. */
const LINKS: Node = {
  cut: linkTo('cutConnection', 'Ends it.'),
  renew: linkTo('renewConnection', 'Renews its credentials, if they are yours.'),
}

const connectionPaths = (building: Building): Paths => ({
  '/v1/connections': {
    get: operation(building, {
      ...{ id: 'listConnections', tag: 'Connections', summary: 'List connections' },
      ...{ row: 'listConnections', may: 'identities' },
      text: 'For admins: the connections of this process, the oldest first [WP-3.16].',
      parameters: parametersNamed('Limit', 'NextConnection', 'Subject'),
      answers: { 200: { ...answer('Connections.', refTo('ConnectionList')), links: LINKS } },
    }),
    delete: operation(building, {
      ...{ id: 'cutConnections', tag: 'Connections', summary: 'End all connections of a subject' },
      ...{ row: 'cutConnections', may: 'identities' },
      text: 'For admins [WP-3.16].',
      parameters: [{ name: 'subject', in: 'query', required: true, description: 'Whose.', schema: { type: 'string' } }],
      answers: { 200: answer('How many were ended.', refTo('Cut')) },
    }),
  },
  '/v1/connections/{id}': {
    parameters: [parameter('ConnectionId')],
    delete: operation(building, {
      ...{ id: 'cutConnection', tag: 'Connections', summary: 'End a connection' },
      ...{ row: 'cutConnection', may: 'identities' },
      text: 'For admins [WP-3.16].',
      answers: { 204: { description: 'It is ended.', headers: headersNamed('Vary') } },
    }),
  },
  '/v1/connections/{id}/token': {
    parameters: [parameter('ConnectionId')],
    post: operation(building, {
      ...{ id: 'renewConnection', tag: 'Connections', summary: 'Renew the credentials of a connection' },
      ...{ row: 'renewConnection', may: 'identities' },
      text: 'The connection goes on with the credentials of the request, which must be of the same holder [WP-6.7].',
      answers: { 200: answer('It goes on.', refTo('Renewal')) },
    }),
  },
})

const drain = (building: Building): Node =>
  operation(building, {
    ...{ id: 'drain', tag: 'Operators', summary: 'Drain the server', row: 'drain', may: 'identities' },
    text: 'For admins: makes the server ready to be ended without a stampede [WP-3.17].',
    answers: { 202: answer('It drains.', refTo('Drained')) },
  })

/** What is there as a page for people, and as JSON. */
const page = (description: string, schema: JsonSchema): Node => ({
  ...{ description, content: { ...HTML, ...json(schema) } },
  headers: headersNamed('CacheControl', 'ContentSecurityPolicy', 'ContentTypeOptions', 'ReferrerPolicy'),
})

const problemPaths = (building: Building): Paths => ({
  '/problems': {
    get: operation(building, {
      ...{ id: 'listProblems', tag: 'Problems', summary: 'List problems', row: 'listProblems', may: 'unasked' },
      text: 'All problems that there are [WP-5.3].',
      answers: { 200: page('Problems.', refTo('ProblemList')) },
    }),
  },
  '/problems/{name}': {
    get: operation(building, {
      ...{ id: 'readProblem', tag: 'Problems', summary: 'Explain a problem', row: 'readProblem', may: 'unasked' },
      text: 'What a problem means, and what to do [WP-5.3].',
      parameters: [
        {
          ...{ name: 'name', in: 'path', required: true, description: 'The last segment of its `type`.' },
          schema: { type: 'string', examples: ['unknown-topic'] },
        },
      ],
      answers: { 200: page('The problem.', refTo('ProblemRow')) },
    }),
  },
})
