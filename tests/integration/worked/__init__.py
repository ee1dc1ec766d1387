"""One company's two weeks, worked through by hand: 45 events, and the answer of every query."""
