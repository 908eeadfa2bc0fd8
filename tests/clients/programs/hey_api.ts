// What a program does with the client that @hey-api/openapi-ts makes. tsc checks both strictly.
// It prints, as JSON, what the client made of each answer.

import { client } from "./generated/hey_api/client.gen.js";
import {
  cancelEmail,
  explainEmail,
  getEmail,
  liftSuppression,
  listEmails,
  sendBatch,
  sendEmail,
  suppressAddress,
} from "./generated/hey_api/sdk.gen.js";
import type { BatchEmailRequest, EmailRequest } from "./generated/hey_api/types.gen.js";

const MINIMAL: EmailRequest = {
  from: "App <no-reply@example.com>",
  to: "ann@example.net",
  subject: "Minimal",
  text: "It works.",
};
const FULL: EmailRequest = {
  from: { email: "no-reply@example.com", name: "App" },
  to: ["Ann <ann@example.net>", { email: "bob@example.net" }],
  cc: ["carol@example.net"],
  reply_to: "help@example.com",
  subject: "Full",
  text: "It works.",
  html: "<p>It works.</p>",
  headers: { "X-Campaign": "clients" },
  attachments: [{ filename: "a.txt", content: "aGVsbG8=", content_type: "text/plain" }],
  tags: ["typescript", { name: "order", value: "4711" }],
  metadata: { paid: true, price: 19.9 },
  on_uncertain: "fail",
  providers: ["sendgrid"],
  tracking: { opens: true },
};
const BATCH: BatchEmailRequest[] = [
  { ...MINIMAL, idempotency_key: `batch-hey-${process.pid}` },
  { ...MINIMAL, to: ["nobody"] },
];
const WAITING: EmailRequest = {
  from: "no-reply@example.com",
  to: "ann@example.net",
  subject: "Waiting",
  text: "It waits.",
  providers: ["mailgun"],
};
const WRONG: EmailRequest = { from: "no-reply@example.com", to: ["nobody"], subject: "Wrong", text: "No." };

client.setConfig({
  baseUrl: process.env["EMAILSMINDER_URL"] ?? "",
  auth: process.env["EMAILSMINDER_KEY"] ?? "",
});

const once = { "Idempotency-Key": `minimal-hey-${process.pid}` };
const minimal = await sendEmail({ body: MINIMAL, headers: once, throwOnError: true });
const again = await sendEmail({ body: MINIMAL, headers: once, throwOnError: true });
const full = await sendEmail({ body: FULL, throwOnError: true });

const batch = await sendBatch({ body: BATCH, throwOnError: true });

const story = await getEmail({ path: { email_id: full.data.id }, throwOnError: true });
const page = await listEmails({ query: { recipient: "carol@example.net", limit: 1 }, throwOnError: true });
const route = await explainEmail({ body: FULL, throwOnError: true });

const waiting = await sendEmail({ body: WAITING, throwOnError: true });
const canceled = await cancelEmail({ path: { email_id: waiting.data.id }, throwOnError: true });

const suppressed = await suppressAddress({
  body: { address: "dave@example.net", note: "asked us" },
  throwOnError: true,
});
const lifted = await liftSuppression({ path: { suppression_id: suppressed.data.id }, throwOnError: true });

const wrong = await sendEmail({ body: WRONG });
if (wrong.error === undefined) throw new Error("it was accepted");

console.log(
  JSON.stringify({
    minimal: minimal.data.id,
    again: again.data.id,
    full: full.data.id,
    cc: full.data.cc,
    story: [story.data.subject, story.data.tracking.opens, story.data.recipients.map((one) => one.role)],
    listed: page.data.emails.map((email) => email.id),
    route: route.data.route.filter((one) => one.state === "available").map((one) => one.provider),
    batch: batch.data.data.map((one) => ("id" in one ? one.replayed : one.errors.map((fault) => fault.field))),
    canceled: canceled.data.status,
    suppressed: [suppressed.data.reason, suppressed.data.project],
    lifted: lifted.response.status,
    wrong: [wrong.error.status, wrong.error.type, (wrong.error.errors ?? []).map((fault) => fault.field)],
  }),
);
