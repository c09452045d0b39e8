"""From predictions of clips to numbers: reading them, scoring them, and what came out.

- :mod:`.results`: what an evaluation found, as plain dataclasses.
- :mod:`.foreign_csv`: predictions in CSV files of any program, and :mod:`.truth_csv`: the truth, too, without a video.
- :mod:`.scoring`: protocols over clips, with :mod:`.intervals`, :mod:`.continuity` and :mod:`.misses`.
- :mod:`.report`: tables for a terminal, for other programs and for people, and a page.
- :mod:`.comparison`: runs side by side, from the files that :mod:`.saved_runs` reads, with :mod:`.disagreements`.
"""
