/** Measures this machine: load, memory, and how busy its cores were since the last look. */
import { cpus, freemem, loadavg, totalmem } from 'node:os'

export interface HostSample {
  readonly cpuPercent: number | null
  readonly cores: number
  readonly load1m: number | null
  readonly memoryUsedBytes: number
  readonly memoryTotalBytes: number
}

/** What all cores together spent since the machine started. */
interface CpuTimes {
  readonly busyMs: number
  readonly allMs: number
}

/** Measures again at each call; the first call covers the time since this was made. */
export function hostSampler(): () => HostSample {
  let before = cpuTimes()
  return () => {
    const now = cpuTimes()
    const cpuPercent = busyPercent(before, now)
    before = now
    const memoryTotalBytes = totalmem()
    return {
      cpuPercent,
      cores: Math.max(1, cpus().length),
      load1m: process.platform === 'win32' ? null : rounded(loadavg()[0] ?? 0),
      memoryUsedBytes: memoryTotalBytes - freemem(),
      memoryTotalBytes,
    }
  }
}

function cpuTimes(): CpuTimes {
  let busyMs = 0
  let allMs = 0
  for (const { times } of cpus()) {
    const coreMs = times.user + times.nice + times.sys + times.irq + times.idle
    allMs += coreMs
    busyMs += coreMs - times.idle
  }
  return { busyMs, allMs }
}

function busyPercent(before: CpuTimes, now: CpuTimes): number | null {
  const allMs = now.allMs - before.allMs
  if (allMs <= 0) return null
  // A core's counters can step back a tick, on virtual machines above all.
  const share = Math.min(1, Math.max(0, (now.busyMs - before.busyMs) / allMs))
  return rounded(share * 100)
}

const rounded = (value: number): number => Math.round(value * 100) / 100
