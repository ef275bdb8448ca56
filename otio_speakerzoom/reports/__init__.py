"""What people read about a source and its cut: summaries, figures, pages, sheets and overlays."""
