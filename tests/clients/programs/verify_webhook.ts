// What a receiver does with a webhook, by the package svix: it verifies it, or refuses it.
// Reads {body, headers, secrets} as JSON; prints for each secret what it says, or why it was refused.

import { readFileSync } from "node:fs";
import { Webhook } from "svix";

interface Captured {
  body: string;
  headers: Record<string, string>;
  secrets: string[];
}

const captured = JSON.parse(readFileSync(0, "utf8")) as Captured;

function verified(secret: string): unknown {
  try {
    return new Webhook(secret).verify(captured.body, captured.headers);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

console.log(JSON.stringify(captured.secrets.map(verified)));
