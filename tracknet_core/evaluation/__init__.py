"""From predictions of clips to numbers: reading them, scoring them, and what came out.

- :mod:`.results`: what an evaluation found, as plain dataclasses.
- :mod:`.predictions`: CSV files of any program. :mod:`.detection`: what a checkpoint finds.
- :mod:`.scoring`: protocols over clips, with :mod:`.intervals` and :mod:`.trajectory`.
- :mod:`.text`: the tables that the command prints.
- :mod:`.report`: the page, of :mod:`.markup`, :mod:`.charts` and the worst :mod:`.moments`.
- :mod:`.comparison`: runs side by side, from the files that :mod:`.saved` reads.
"""
