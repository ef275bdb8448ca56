"""Reports on a source and its cut: summary, evaluation, tables, page, contact sheet, overlay."""
