"""Operations by which a hand changes a cut: each is checked, journalled, and can be undone."""
