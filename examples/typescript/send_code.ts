// Send a one-time code: of no use after ten minutes, and better twice than late.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { data, error } = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your code",
    text: "Your code is 123456.",
    expires_at: new Date(Date.now() + 10 * 60 * 1000).toISOString(),
    on_uncertain: "failover",
  },
});
if (error) throw new Error(error.detail);
console.log(data.id, data.expires_at);
