// node tools/run.mjs --prepare        makes node_modules match package-lock.json
// node tools/run.mjs FILE [ARGS...]   the same when needed, then runs FILE on a Node that is new enough
// Plain JavaScript without dependencies: it runs on whatever Node is there, before anything is installed.
// Prints nothing on standard output. Whichever of its parent, itself and FILE is killed, the other two end soon after.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const minimum = [22, 18]
const lookAtParentEveryMs = 500
const graceMs = 3000

/** Why node_modules does not match the lockfile; undefined when it does. Takes about 5 ms. */
export function whyStale(folder = root) {
  const packagesOf = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).packages
  const wanted = packagesOf('package-lock.json')
  let present
  try {
    // npm writes this file last, so a broken installation has none, or an old one.
    present = packagesOf('node_modules/.package-lock.json')
  } catch {
    return 'nothing is installed'
  }
  for (const [path, want] of Object.entries(wanted)) {
    if (!path.includes('node_modules/') || want.link) continue
    const have = present[path]
    if (have === undefined) {
      if (want.optional || want.devOptional) continue // for another platform
      return `${path} is missing`
    }
    if (have.version !== want.version || have.integrity !== want.integrity) return `${path} is not ${want.version}`
  }
  return undefined
}

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1])
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function isHolderGone(lock) {
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    return holder > 0 && !isAlive(holder)
  } catch {
    return false // released between the two looks
  }
}

/** Runs `work` while no other process of this clone installs. */
function whileNobodyInstalls(work) {
  const lock = join(root, '.tidemark', 'install.pid')
  mkdirSync(dirname(lock), { recursive: true })
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isHolderGone(lock)) rmSync(lock, { force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
  }
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function install() {
  const why = whyStale()
  if (why === undefined) return true
  console.error(`Installing packages (${why})…`)
  const npm = process.env.npm_execpath
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const args = ['ci', ...options, '--engine-strict=false']
  const [command, ...before] = npm === undefined ? ['npm'] : [process.execPath, npm]
  const { status } = spawnSync(command, [...before, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) console.error('npm ci failed. Run it by hand to see why.')
  return status === 0
}

/** Calls `then` once this process's parent is gone: npm was killed, which passes no signal on. */
function whenParentDies(then) {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    then()
  }, lookAtParentEveryMs)
  timer.unref()
}

async function runHere(file, args) {
  whenParentDies(() => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.argv = [process.argv[0], file, ...args]
  await import(pathToFileURL(file).href)
}

function runOnPackagedNode(file, args) {
  const bin = join(root, 'node_modules', '.bin')
  const node = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node')
  if (!existsSync(node)) {
    const platform = `${process.platform}-${process.arch}`
    const versions = `Tidemark needs Node ${minimum.join('.')} or newer; this is ${process.version}`
    console.error(`${versions}, and there is no packaged Node for ${platform}.`)
    process.exitCode = 2
    return
  }
  // The channel carries no messages: it closes when this process is killed, and FILE sees 'disconnect'.
  const child = spawn(node, [...process.execArgv, file, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: bin + delimiter + process.env.PATH },
    shell: process.platform === 'win32',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches every process of the group by itself.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  whenParentDies(() => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), graceMs)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

async function main([file, ...args]) {
  if (whyStale() !== undefined && !whileNobodyInstalls(install)) process.exit(2)
  if (file === undefined || file === '--prepare') return
  if (isNewEnough()) await runHere(resolve(file), args)
  else runOnPackagedNode(resolve(file), args)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2))
