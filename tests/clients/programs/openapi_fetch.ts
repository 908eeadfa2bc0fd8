// What a program does with openapi-fetch and the types that openapi-typescript makes. tsc checks it strictly.
// It prints, as JSON, what the client made of each answer.

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/openapi_typescript.js";

type EmailRequest = components["schemas"]["EmailRequest"];
type BatchEmailRequest = components["schemas"]["BatchEmailRequest"];

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
  { ...MINIMAL, idempotency_key: `batch-fetch-${process.pid}` },
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

const api = createClient<paths>({
  baseUrl: process.env["EMAILSMINDER_URL"] ?? "",
  headers: { Authorization: `Bearer ${process.env["EMAILSMINDER_KEY"]}` },
});

/** What the answer holds. Throws the problem, if it is one. */
function good<Data>(answer: { data?: Data; error?: components["schemas"]["Problem"] }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const once = { header: { "Idempotency-Key": `minimal-fetch-${process.pid}` } };
const minimal = good(await api.POST("/v1/emails", { body: MINIMAL, params: once }));
const again = good(await api.POST("/v1/emails", { body: MINIMAL, params: once }));
const full = good(await api.POST("/v1/emails", { body: FULL }));

const batch = good(await api.POST("/v1/emails/batch", { body: BATCH }));

const story = good(await api.GET("/v1/emails/{email_id}", { params: { path: { email_id: full.id } } }));
const page = good(await api.GET("/v1/emails", { params: { query: { recipient: "carol@example.net", limit: 1 } } }));
const route = good(await api.POST("/v1/emails/explain", { body: FULL }));

const waiting = good(await api.POST("/v1/emails", { body: WAITING }));
const cancel = { params: { path: { email_id: waiting.id } } };
const canceled = good(await api.POST("/v1/emails/{email_id}/cancel", cancel));

const suppressed = good(
  await api.POST("/v1/suppressions", { body: { address: "dave@example.net", note: "asked us" } }),
);
const lift = { params: { path: { suppression_id: suppressed.id } } };
const lifted = await api.DELETE("/v1/suppressions/{suppression_id}", lift);

const wrong = await api.POST("/v1/emails", { body: WRONG });
if (wrong.error === undefined) throw new Error("it was accepted");

console.log(
  JSON.stringify({
    minimal: minimal.id,
    again: again.id,
    full: full.id,
    cc: full.cc,
    story: [story.subject, story.tracking.opens, story.recipients.map((one) => one.role)],
    listed: page.emails.map((email) => email.id),
    route: route.route.filter((one) => one.state === "available").map((one) => one.provider),
    batch: batch.data.map((one) => ("id" in one ? one.replayed : one.errors.map((fault) => fault.field))),
    canceled: canceled.status,
    suppressed: [suppressed.reason, suppressed.project],
    lifted: lifted.response.status,
    wrong: [wrong.error.status, wrong.error.type, (wrong.error.errors ?? []).map((fault) => fault.field)],
  }),
);
