"""LolliPoP: proof that a request comes from the app of the citizen whom it names. Knows no Django."""
