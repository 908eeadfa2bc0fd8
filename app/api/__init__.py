"""HTTP only: requests are read into values of `app.domain`, answers are written from them. No rule of mail is here."""
