"""HTTP only: what comes in becomes a value of the language, what goes out is written from one. No rule of mail here."""
