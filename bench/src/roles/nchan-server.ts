/** A peer: nginx with nchan, in one worker, published to by HTTP. Usage is the worker's, as the kernel tells it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveRole, type Usage } from '../roles.ts'
import { event, pace } from './pace.ts'

/** How many times a second the kernel counts CPU time, on every platform that nginx is packaged for. */
const TICKS_PER_SECOND = 100

const nginx = process.argv[2] ?? ''
const module = process.argv[3] ?? ''
const dir = mkdtempSync(join(tmpdir(), 'watchpost-bench-'))
const port = await freePort()
const config = `
load_module ${module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr error;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_buffer_size 64k;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /publish { nchan_publisher http; nchan_channel_id stocks; }
    location = /stocks { nchan_subscriber websocket; nchan_channel_id stocks; nchan_subscriber_first_message newest; }
  }
}
`
writeFileSync(join(dir, 'nginx.conf'), config)
const master = spawn(nginx, ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
process.on('exit', () => {
  master.kill()
  // nginx removes this file at its end; there is no other way to wait for it here.
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (let n = 0; n < 100 && existsSync(join(dir, 'nginx.pid')); n++) Atomics.wait(clock, 0, 0, 20)
  rmSync(dir, { recursive: true, force: true })
})
while (!(await isListening())) await new Promise((resolve) => setTimeout(resolve, 50))
const worker = readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').trim()

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return free
}

function isListening(): Promise<boolean> {
  if (master.exitCode !== null) throw new Error(`nginx ended with ${master.exitCode}`)
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

let taken = 0
let rest = ''
// One connection, so that events keep their order, and no waiting for answers, so that nginx never waits for us.
const publisher = createConnection({ port, host: '127.0.0.1', noDelay: true })
publisher.setEncoding('latin1').on('data', (text: string) => {
  const all = rest + text
  for (const [, status] of all.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
    if (status !== '201' && status !== '202') throw new Error(`nchan answered a publish with ${status}`)
    taken++
  }
  // Shorter than what is looked for, so that nothing is found twice.
  rest = all.slice(-('HTTP/1.1 201'.length - 1))
})

serveRole(`http://127.0.0.1:${port}`, {
  usage: (): Usage => {
    // The fields after the name, which is in parentheses: the state is the third, the times are 14 and 15.
    const fields = readFileSync(`/proc/${worker}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const ticks = Number(fields[11]) + Number(fields[12])
    const rssBytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))?.[1]) * 1_024
    const cpuMicros = (ticks * 1_000_000) / TICKS_PER_SECOND
    return { cpuMicros, rssBytes, heapBytes: 0, externalBytes: 0, arrayBuffersBytes: 0 }
  },
  publish: async (perSecond = 0, count = 0, levels = 0) => {
    taken = 0
    await pace(perSecond, count, (n, dueMs) => {
      const body = JSON.stringify(event(n, dueMs, levels))
      publisher.write(`POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    })
    const isMissing = (): boolean => taken < count
    while (isMissing()) await new Promise((resolve) => setTimeout(resolve, 2))
  },
})
