"""Speech: synthesis, languages, word timing and alignment."""
