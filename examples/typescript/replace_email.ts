// Let the newest email replace an earlier one that still waits: an outage ends with one reset, not nine.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const ids: string[] = [];
for (const code of ["111111", "222222"]) {
  const { data, error } = await api.POST("/v1/emails", {
    body: {
      from: "App <no-reply@example.com>",
      to: "ann@example.net",
      subject: "Reset your password",
      text: `Your code is ${code}.`,
      collapse_key: "password-reset",
    },
  });
  if (error) throw new Error(error.detail);
  ids.push(data.id);
}
console.log(`${ids[1]} replaces ${ids[0]}, if that one still waits`);
