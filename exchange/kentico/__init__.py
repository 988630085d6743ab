"""Contact groups of Xperience by Kentico, read from its repository for continuous integration."""
