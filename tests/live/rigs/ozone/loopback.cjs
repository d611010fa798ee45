// Loaded before anything else (node --require): this process speaks to its own machine and to nobody else.
// The test network would listen on every interface, and could look up names that are not its own.
'use strict'
const dns = require('node:dns')
const net = require('node:net')

const HOME = '127.0.0.1'
const isHome = (host) => host === undefined || ['localhost', HOME, '::1'].includes(host)

dns.setDefaultResultOrder('ipv4first') // "localhost" means 127.0.0.1, where everything listens

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const [target] = args
  if (target !== null && typeof target === 'object') {
    if (target.port !== undefined) args[0] = { ...target, host: HOME }
  } else if (/^\d+$/.test(String(target))) {
    const whenReady = args.filter((arg) => typeof arg === 'function')
    args = [{ port: Number(target), host: HOME }, ...whenReady]
  }
  return listen.apply(this, args)
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  // Node itself calls this with one list, [options, callback]; a library may call it with (options) or (port, host).
  const [options] = Array.isArray(args[0]) ? args[0] : args
  const host = options !== null && typeof options === 'object' ? options.host : typeof args[1] === 'string' ? args[1] : undefined
  if (isHome(host)) return connect.apply(this, args)
  process.nextTick(() => this.destroy(new Error(`the rig does not call ${host}: loopback only`)))
  return this
}
