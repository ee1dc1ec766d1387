"""Where does a question about impact start? From a REF, or from who or what cannot be trusted."""
