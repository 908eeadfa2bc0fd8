// Sends one email with a Node library: node node_peers.mjs (notifme|upyo) TASK. Prints {"ok", "answer"}.
//
// Both libraries allow custom providers, and these are written here: notifme-sdk's own SendGrid has a fixed address, and
// upyo's transports for SendGrid and Mailgun are not in the registry. Only the failover of each library is compared.

const TIMEOUT_MS = 10_000; // as long as ours

async function viaSendGrid({ url, key }, email) {
  const answer = await fetch(`${url}/v3/mail/send`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      personalizations: [{ to: [{ email: email.to }] }],
      from: { email: email.from },
      subject: email.subject,
      content: [{ type: "text/plain", value: email.text }],
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`SendGrid ${answer.status}`);
  return answer.headers.get("x-message-id") ?? "";
}

async function viaMailgun({ url, key, domain }, email) {
  const form = new FormData();
  for (const name of ["from", "to", "subject", "text"]) form.append(name, email[name]);
  const answer = await fetch(`${url}/v3/${domain}/messages`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`api:${key}`)}` },
    body: form,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`Mailgun ${answer.status}`);
  return (await answer.json()).id;
}

async function notifme(task) {
  const { default: imported } = await import("notifme-sdk");
  const Sdk = imported.default ?? imported;
  const sdk = new Sdk({
    channels: {
      email: {
        multiProviderStrategy: "fallback",
        providers: [
          { type: "custom", id: "sendgrid", send: (email) => viaSendGrid(task.sendgrid, email) },
          { type: "custom", id: "mailgun", send: (email) => viaMailgun(task.mailgun, email) },
        ],
      },
    },
  });
  const result = await sdk.send({ email: task.email });
  return { ok: result.status === "success", answer: result.status };
}

async function upyo(task) {
  const { PoolTransport } = await import("@upyo/pool");
  const transport = (id, send) => ({
    id,
    send: async () => ({ successful: true, messageId: await send() }),
  });
  const pool = new PoolTransport({
    strategy: "priority",
    transports: [
      { transport: transport("sendgrid", () => viaSendGrid(task.sendgrid, task.email)), priority: 2 },
      { transport: transport("mailgun", () => viaMailgun(task.mailgun, task.email)), priority: 1 },
    ],
  });
  const receipt = await pool.send({ subject: task.email.subject });
  return { ok: receipt.successful, answer: receipt.successful ? "success" : "failure" };
}

console.warn = console.info = console.error = () => {};
const [, , peer, task] = process.argv;
const result = await { notifme, upyo }[peer](JSON.parse(task));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
