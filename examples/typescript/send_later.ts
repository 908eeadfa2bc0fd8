// Send an email at a later time, change that time, and cancel it.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

const sent = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your trial ends",
    text: "Two days are left.",
    send_at: inHours(24),
  },
});
if (sent.error) throw new Error(sent.error.detail);
console.log(sent.data.status);
const params = { path: { email_id: sent.data.id } };

const moved = await api.PATCH("/v1/emails/{email_id}", { params, body: { send_at: inHours(27) } });
if (moved.error) throw new Error(moved.error.detail); // 409: it has been started
console.log("expires a day after", moved.data.send_at);

const canceled = await api.POST("/v1/emails/{email_id}/cancel", { params });
if (canceled.error) throw new Error(canceled.error.detail);
console.log(canceled.data.status);
