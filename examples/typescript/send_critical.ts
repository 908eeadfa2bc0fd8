// Send what must arrive: again, if the provider that took it falls silent. Opens are tracked.

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
    subject: "Your ticket",
    text: "Your train leaves at 9:00.",
    html: "<p>Your train leaves at 9:00.</p>",
    critical: true,
    providers: ["sendgrid", "mailgun"],
    tracking: { opens: true },
  },
});
if (error) throw new Error(error.detail);
console.log(data.id, ...data.eligible_providers);
