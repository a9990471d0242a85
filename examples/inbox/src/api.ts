/** The application's own API. What an inbox holds is kept in Watchpost's log, and nowhere else. */
import type { Server } from 'node:http'
import express, { type ErrorRequestHandler, type Request, type Router } from 'express'
import type { Watchpost } from 'watchpost'
import { z } from 'zod'
import { Notification, Read, type Topics } from './config.ts'
import { COOKIE, endSession, SESSION_MS, sessionOf, tokenOf, USERS } from './session.ts'

const Login = z.object({ user: z.enum(USERS) })
const Told = Notification.pick({ text: true })

/**
 * Routes to mount at `/api`, where `watchpost` is attached to `server` too.
 * @param recheck has Watchpost ask again whether those who watch may, and end what may not go on
 */
export function createApi(watchpost: Watchpost<Topics>, server: Server, recheck: () => void): Router {
  const api = express.Router()
  // Scripts can't read it, and no other site's page can send it.
  const cookieFor = ({ secure }: Request) => ({ httpOnly: true, sameSite: 'strict', secure }) as const

  const logOut = async (request: Request): Promise<void> => {
    const session = await sessionOf(request)
    if (session === undefined) return
    endSession(session.id)
    recheck()
  }

  // One URL: a page of what there is, a long poll or a stream of what comes, by what the request asks for.
  api.get('/inbox/:user', (request, response) => {
    // In here it begins behind the `/api` that it came by, however that was written.
    request.url = `/api/v1/topics${request.url}`
    server.emit('request', request, response)
  })

  api.use(express.json())

  // And to publish to it: somebody is told something.
  api.post('/inbox/:user', async (request, response) => {
    const from = (await sessionOf(request))?.user
    const { user } = request.params
    if (from === undefined) throw refusal(401, 'Log in first.')
    if (!USERS.includes(user)) throw refusal(404, `There is no ${user}.`)
    const { text } = Told.parse(request.body)
    const { events } = await watchpost.publish(`inbox/${user}`, { type: 'notification', data: { from, text } })
    response.status(201).json(events[0])
  })

  api.post('/inbox/:user/read', async (request, response) => {
    const { user } = request.params
    if ((await sessionOf(request))?.user !== user) throw refusal(404, 'Log in as whoever has this inbox.')
    await watchpost.publish(`inbox/${user}`, { type: 'read', data: Read.parse(request.body) })
    response.sendStatus(204)
  })

  api.get('/session', async (request, response) => {
    response.json({ users: USERS, user: (await sessionOf(request))?.user })
  })

  api.post('/session', async (request, response) => {
    const { user } = Login.parse(request.body)
    const text = `New login from ${request.ip}. If that was not you, tell us.`
    await watchpost.publish(`inbox/${user}`, { type: 'notification', data: { from: 'inbox', text } })
    response.cookie(COOKIE, await tokenOf(user), { ...cookieFor(request), maxAge: SESSION_MS }).json({ user })
    // One browser has one login at a time.
    await logOut(request)
  })

  api.delete('/session', async (request, response) => {
    await logOut(request)
    response.clearCookie(COOKIE, cookieFor(request)).sendStatus(204)
  })

  return api.use(answerFault)
}

const refusal = (status: number, message: string): Error => Object.assign(new Error(message), { status })

/** Answers as Watchpost does, with `application/problem+json`: clients then have one kind of error to read. */
const answerFault: ErrorRequestHandler = (error: Error & { status?: number }, _request, response, _next) => {
  const isInvalid = error instanceof z.ZodError
  const status = isInvalid ? 422 : (error.status ?? 500)
  if (status >= 500) console.error(error)
  const detail = isInvalid
    ? error.issues.map(({ message }) => message).join(' ')
    : status < 500
      ? error.message
      : 'The server failed; its log has why.'
  response.status(status).type('application/problem+json').json({ type: 'about:blank', status, detail })
}
