"""GPUs of one machine shared out among jobs that know nothing of one another."""
