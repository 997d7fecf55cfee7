"""Analysis of a whole sweep from a table of its runs: which setting to use, how certainly.

In order of computation, and of reading:

    table       one row per run, from stored results or from MLflow (health, factors)
    choose      every setting scored over its seeds, ranked by score
    inference/  functions of beta compatible with the scores: noise, families, surface, posterior;
                top: where the curve peaks, and whether the peak may be beyond the range tried
    recommend   how good each tested setting is under them, and which of the good ones to use
    verdict     whether the answer is reliable, and what to do if not
    answer      all of it, as plain data
    sentences   the answer in words
    conclude    all of these in turn: `answer(rows).best`
"""
