"""What the provider costs at scale, measured on the real engine; see docs/performance.md."""
