// The AT Protocol test network: a directory, a members' server (PDS), an app view and Ozone, in one process.
//
// It starts empty. When it is ready it writes RIG_SITE (JSON: addresses), and it serves a small helper of our own:
//   GET /token?nsid=METHOD&role=admin|moderator|triage   an Authorization value for one Ozone method
//   GET /settle                                          answers when everything that was sent has been indexed
//   GET /mail                                            the moderation e-mails "sent" so far: [{to, subject, text}]
'use strict'
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { createRequire } = require('node:module')

const { RIG_MODULES, RIG_SITE, RIG_FIRST_PORT } = process.env
const { TestNetwork } = createRequire(path.join(RIG_MODULES, 'package.json'))('@atproto/dev-env')
const [plcPort, pdsPort, appViewPort, ozonePort, helperPort] = [0, 1, 2, 3, 4].map((n) => Number(RIG_FIRST_PORT) + n)

// The network has no mail server: it composes each message and drops it. Keep a copy of what it composed.
function keepMail(network) {
  const mail = []
  const { transporter } = network.pds.ctx.moderationMailer
  const send = transporter.sendMail.bind(transporter)
  transporter.sendMail = async (message) => {
    const sent = await send(message)
    mail.push({ to: message.to, subject: message.subject, text: message.html })
    return sent
  }
  return mail
}

function answer(network, mail, url) {
  const asked = (name) => url.searchParams.get(name)
  switch (url.pathname) {
    case '/token':
      return network.ozone.modHeaders(asked('nsid'), asked('role')).then((headers) => ({ authorization: headers.authorization }))
    case '/settle':
      return network.processAll(20_000).then(() => ({}))
    case '/mail':
      return Promise.resolve(mail)
    default:
      return Promise.reject(new Error(`no such helper: ${url.pathname}`))
  }
}

function serveHelper(network) {
  const mail = keepMail(network)
  const reply = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const server = http.createServer((request, response) => {
    answer(network, mail, new URL(request.url, 'http://helper')).then(
      (body) => reply(response, 200, body),
      (error) => reply(response, 500, { error: String(error) }),
    )
  })
  return new Promise((resolve) => server.listen(helperPort, resolve))
}

async function main() {
  const network = await TestNetwork.create({
    dbPostgresSchema: 'rig',
    plc: { port: plcPort },
    pds: { port: pdsPort },
    bsky: { port: appViewPort },
    ozone: { port: ozonePort },
  })
  await serveHelper(network)
  const at = (port) => `http://127.0.0.1:${port}`
  const site = {
    pds: at(pdsPort),
    app_view: at(appViewPort),
    ozone: at(ozonePort),
    helper: at(helperPort),
    service_did: network.ozone.ctx.cfg.service.did,
  }
  // Renamed into place: whoever waits for the file never reads half of it.
  fs.writeFileSync(`${RIG_SITE}.new`, JSON.stringify(site, null, 2))
  fs.renameSync(`${RIG_SITE}.new`, RIG_SITE)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
