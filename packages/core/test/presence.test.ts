/** Who is here, by what one node writes of it [WP-9.4]. */
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../src/access.ts'
import { merge } from '../src/presence/rows.ts'
import { attend, Gate, GRACE_MS, HEARTBEAT_MS, presences, RETURN_MS, sizesOf, TOPICS, tableOf } from './presences.ts'
import { OPEN } from './support.ts'

describe('the presence of one node', () => {
  it('is told of at once, and then at most every `presenceEveryMs`, in one append', async () => {
    const here = presences()
    const node = here.node('n')
    attend(node, 'a')
    await here.pass(50)
    expect(here.here()).toEqual({ a: 1 })
    for (const key of ['b', 'c', 'd']) attend(node, key)
    await here.pass(100)
    expect(here.here()).toEqual({ a: 1 })
    await here.pass(150)
    expect(here.here()).toEqual({ a: 1, b: 1, c: 1, d: 1 })
  })

  it('counts exact topics that have it, and nothing else', async () => {
    const here = presences({ topics: { ...TOPICS, plain: OPEN } })
    attend(here.node('n'), 'a', undefined, ['room', 'chat/1', 'chat/*', 'plain', '$presence/room', 'nowhere'])
    await here.pass(500)
    expect([...here.log.topics()].map(({ topic }) => topic)).toEqual(['$presence/chat/1', '$presence/room'])
  })

  it('tells a count alone, and what makes none, after the grace', async () => {
    const here = presences()
    const node = here.node('n')
    const first = attend(node, 'a')
    await here.pass(1_000)
    const others = [1, 2, 3].map(() => attend(node, 'a'))
    await here.pass(1_000)
    expect(here.here()).toEqual({ a: 1 })
    await here.pass(GRACE_MS)
    expect(here.here()).toEqual({ a: 4 })
    for (const other of others) other.leave()
    // A second time is nothing.
    for (const other of others) other.leave()
    await here.pass(GRACE_MS * 2 + 1_000)
    expect(here.here()).toEqual({ a: 1 })
    first.leave()
    await here.pass(GRACE_MS - 100)
    expect(here.here()).toEqual({ a: 1 })
    await here.pass(500)
    expect(here.here()).toEqual({})
    expect(here.told()).toHaveLength(4)
    // Nothing of it is left, and nothing goes on.
    await here.pass(HEARTBEAT_MS)
    expect(await tableOf(here.log)).toEqual(new Map())
  })

  it('tells of a connection that has ended while another one comes and goes all the time [WP-9.4]', async () => {
    const here = presences()
    const node = here.node('n')
    const ended = attend(node, 'a')
    let polling = attend(node, 'a')
    await here.pass(1_000)
    expect(here.here()).toEqual({ a: 2 })
    ended.leave()
    const atMs = here.clock.monotonic()
    while (here.clock.monotonic() < atMs + GRACE_MS * 2 + 1_000) {
      polling.leave()
      await here.pass(50)
      polling = attend(node, 'a')
      await here.pass(200)
    }
    expect(JSON.parse((await tableOf(here.log)).get('m n room a') as string)).toMatchObject({ live: 1, leaving: 0 })
    expect(here.here()).toEqual({ a: 1 })
    expect(here.told()).toHaveLength(2)
    polling.leave()
    await here.pass(GRACE_MS + 500)
    expect(here.here()).toEqual({})
  })

  it('tells another info soon, and keeps since when somebody is here', async () => {
    const here = presences()
    const node = here.node('n')
    attend(node, 'a', 'one')
    await here.pass(2_000)
    attend(node, 'a', 'two')
    await here.pass(500)
    const [[, one], [, two]] = here.told() as [[string, object], [string, object]]
    expect([one, two]).toEqual([
      { since: expect.any(String), connections: 1, info: 'one' },
      { ...one, connections: 2, info: 'two' },
    ])
    expect(here.told()).toHaveLength(2)
  })

  it('tells the first of many infos soon, and of the others the newest after a while', async () => {
    const here = presences()
    const node = here.node('n')
    attend(node, 'a', '0')
    await here.pass(1_000)
    for (let n = 1; n <= 30; n++) {
      attend(node, 'a', String(n)).leave()
      await here.pass(100)
    }
    const infos = () => here.told().map(([, data]) => (data as { info: string }).info)
    expect(infos()).toEqual(['0', '1'])
    await here.pass(GRACE_MS)
    expect(infos().at(-1)).toBe('30')
    expect(infos().length).toBeLessThanOrEqual(4)
    // Told again at once after a pause.
    await here.pass(GRACE_MS * 2)
    attend(node, 'a', 'later')
    await here.pass(500)
    expect(infos().at(-1)).toBe('later')
  })

  it('gives those whom the server sends away the time that it tells them to wait', async () => {
    const here = presences()
    const node = here.node('n')
    const [a, b] = [attend(node, 'a'), attend(node, 'b')]
    await here.pass(500)
    a.leave()
    node.awaitReturns()
    b.leave()
    await here.pass(GRACE_MS + 500)
    expect(here.here()).toEqual({ b: 1 })
    await here.pass(RETURN_MS - 1_000)
    expect(here.here()).toEqual({ b: 1 })
    await here.pass(1_000)
    expect(here.here()).toEqual({})
  })

  it('has topics forgotten that nobody is in, and begins them anew behind what is lost of them', async () => {
    const here = presences()
    const node = here.node('n')
    const one = attend(node, 'a', undefined, ['chat/1'])
    attend(node, 'a', undefined, ['chat/2'])
    await here.pass(500)
    one.leave()
    await here.pass(GRACE_MS + 500)
    const names = () => [...here.log.topics()].map(({ topic }) => topic)
    for (const name of names()) await here.log.trim(name, { events: 0 }, 1_000)
    await here.pass(60_000)
    expect(names()).toEqual(['$presence/chat/2'])
    expect(here.log.transientTopics).toBe(1)
    const gap = (after: number, filter: string) => {
      const watch = here.watcher.watch([filter], {}, { identity: SERVER })
      return watch.selection.hasLoss(here.log, { offset: after, trims: 0 })
    }
    // Their offsets were 1 and 3; whoever has seen the last one has lost nothing.
    for (const filter of ['$presence/chat/1', '$presence/chat/*'])
      expect([gap(1, filter), gap(3, filter)]).toEqual([true, false])
    expect([gap(1, 'chat/1'), gap(1, 'chat/*')]).toEqual([false, false])
    attend(node, 'b', undefined, ['chat/1'])
    await here.pass(500)
    expect(here.here('chat/1')).toEqual({ b: 1 })
    expect([gap(1, '$presence/chat/1'), gap(3, '$presence/chat/1')]).toEqual([true, false])
  })

  it('tells nothing of who is gone before it could', async () => {
    const here = presences()
    const node = here.node('n')
    attend(node, 'z')
    await here.pass(50)
    attend(node, 'a').leave()
    await here.pass(GRACE_MS * 3)
    expect(here.told().map(([key]) => key)).toEqual(['z'])
  })

  it('writes what it could not once the log can be written again', async () => {
    const here = presences()
    const { log } = here
    const node = here.node('n')
    await here.pass(10)
    const change = log.change.bind(log)
    log.change = async () => Promise.reject(new ProblemError('log-unavailable', 'full'))
    attend(node, 'a')
    const b = attend(node, 'b')
    await here.pass(3_000)
    expect(here.reported.length).toBeGreaterThan(0)
    b.leave()
    await here.pass(GRACE_MS + 1_000)
    log.change = change
    await here.pass(2_000)
    expect(here.here()).toEqual({ a: 1 })
    expect(here.told()).toHaveLength(1)
  })

  it('makes so many topics and no more, apart from those of who publishes, and says so', async () => {
    const here = presences({ limits: { presenceTopicsMax: 2, topicsMax: 1 } })
    const publish = (topic: string) =>
      here.log.append({
        topic,
        keyed: false,
        topicsMax: 1,
        events: [{ type: 'tick', data: '1', timestamp: formatTimestamp(0) }],
      })
    await publish('chat/0')
    await expect(publish('chat/9')).rejects.toMatchObject({ problem: 'reach-maximum-topics' })
    const node = here.node('n')
    const [leaving] = [1, 2, 3].map((x) => attend(node, 'a', undefined, [`chat/${x}`]))
    attend(node, 'a')
    await here.pass(500)
    expect([1, 2, 3].map((x) => here.here(`chat/${x}`))).toEqual([{ a: 1 }, { a: 1 }, {}])
    expect(here.reported).toMatchObject([{ problem: 'reach-maximum-topics' }])
    // What the operator defined by its own name is there all the same.
    expect(here.here()).toEqual({ a: 1 })
    // Once there is room again, whoever is still there is told of.
    leaving?.leave()
    await here.pass(GRACE_MS + 500)
    await here.log.trim('$presence/chat/1', { events: 0 }, 1_000)
    await here.pass(120_000)
    expect(here.here('chat/3')).toEqual({ a: 1 })
    expect(here.reported).toHaveLength(1)
    // One of those in the log was published, and two of those that told are trimmed.
    expect(node.eventsTold).toBe(here.told().length + 1)
  })

  it('keeps who comes back to a topic that there was no room for before', async () => {
    const here = presences({ limits: { presenceTopicsMax: 1 } })
    const node = here.node('n')
    const full = attend(node, 'a', undefined, ['chat/1'])
    await here.pass(10_000)
    attend(node, 'b', undefined, ['chat/2']).leave()
    await here.pass(500)
    const again = attend(node, 'b', undefined, ['chat/2'])
    await here.pass(500)
    expect(here.reported).toMatchObject([{ problem: 'reach-maximum-topics' }])
    again.leave()
    full.leave()
    await here.pass(GRACE_MS * 2)
    await here.log.trim('$presence/chat/1', { events: 0 }, 1_000)
    await here.pass(40_000)
    // There is room, and it is only then that those who were refused are tried again.
    attend(node, 'b', undefined, ['chat/2'])
    await here.pass(500)
    expect(here.here('chat/2')).toEqual({ b: 1 })
    await here.pass(60_000)
    expect(here.here('chat/2')).toEqual({ b: 1 })
  })

  it('keeps who comes back while it can not be written that they left', async () => {
    const here = presences()
    const node = here.node('n')
    const gate = new Gate(here.log)
    await here.pass(10)
    gate.hold()
    const before = attend(node, 'a')
    await here.pass(300)
    before.leave()
    await here.pass(GRACE_MS + 500)
    gate.open()
    gate.hold()
    await here.pass(300)
    expect(here.here()).toEqual({ a: 1 })
    attend(node, 'a')
    gate.fail()
    await here.pass(50)
    gate.hold()
    gate.open()
    await here.pass(GRACE_MS * 2)
    expect(here.here()).toEqual({ a: 1 })
    expect(here.told().at(-1)).toEqual(['a', expect.objectContaining({ connections: 1 })])
  })

  it('can be killed while it is to write that the last one left', async () => {
    const here = presences()
    const node = here.node('n')
    const gate = new Gate(here.log)
    await here.pass(100)
    gate.hold()
    const only = attend(node, 'a')
    await here.pass(300)
    only.leave()
    await here.pass(GRACE_MS + 1_500)
    gate.open()
    gate.hold()
    // Fails soon before the node is looked after, and is not tried again until after that.
    await here.pass(500)
    gate.fail()
    await here.pass(50)
    gate.hold()
    gate.open()
    await here.pass(650)
    expect([...(await tableOf(here.log)).keys()].sort()).toEqual(['m n room a', 'n n'])
    await here.kill(node)
    here.node('next', () => true)
    await here.pass(HEARTBEAT_MS * 2)
    expect(here.here()).toEqual({})
    expect(await tableOf(here.log)).toEqual(new Map())
  })

  it('says that it has ended, though the first that it writes is only on its way', async () => {
    const here = presences()
    const node = here.node('n')
    const gate = new Gate(here.log)
    await here.pass(10)
    gate.hold()
    attend(node, 'a')
    await here.pass(50)
    const closing = node.close()
    gate.open()
    await closing
    const rows = await tableOf(here.log)
    expect(JSON.parse(rows.get('n n') as string)).toMatchObject({ closed: true })
    expect(rows.has('m n room a')).toBe(true)
  })

  it('writes of no more than 200 at a time, one after the other', async () => {
    const here = presences()
    const node = here.node('n')
    const sizes = sizesOf(here.log)
    for (let n = 0; n < 500; n++) attend(node, `m${n}`)
    await here.pass(200)
    expect(sizes).toEqual([200, 200, 100])
  })
})

describe('what rows come to', () => {
  const row = (live: number, leaving = 0) => ({ live, leaving, sinceMs: 0 })

  it('is as near to what was told as it can be while somebody may come back', () => {
    const before = { since: 's', connections: 2 }
    const count = (...standings: Parameters<typeof merge>[1]) => merge(before, standings)?.connections
    expect(count({ row: row(1, 1), isLive: true })).toBe(2)
    expect(count({ row: row(0, 1), isLive: true })).toBe(1)
    expect(count({ row: row(3, 1), isLive: true })).toBe(3)
    expect(count({ row: row(2), isLive: false }, { row: row(1), isLive: true })).toBe(2)
    expect(count({ row: row(0), isLive: true })).toBeUndefined()
    expect(merge(undefined, [{ row: row(0, 2), isLive: true }])).toBeUndefined()
  })
})
