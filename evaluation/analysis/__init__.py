"""Analysis of a whole sweep from a table of its runs: which setting to use, and how sure that is.

In the order in which it is worked out, and to be read:

    table       one row per run, from stored results or from MLflow (health, factors)
    choose      every setting scored over its seeds, ranked by score
    inference   functions of beta that the scores allow: noise, families, surface, posterior
    standing    how good each tested setting is in them, and which of the good ones to use
    top         where the curve is highest, and whether it may lie beyond what was tried
    verdict     whether that can be relied on, and what to do if not
    answer      all of it, as plain data
    sentences   the same in words
    conclude    all of these in turn: `answer(rows).best`
"""
