"""What plugin authors and our own tests share: fixtures, fakes and the provider contract suite."""
