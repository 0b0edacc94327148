"""okr_raw: claiming files, storing batches, releasing them in order. Each public method is one transaction.

Row locks are taken in one order: the source's row first, then files and batches. A batch's row is added only after that
lock, because its foreign key would otherwise hold a share of the source while COPY runs.
"""

from okr_ingest_csv.store.claiming import Claim
from okr_ingest_csv.store.claims import Store
from okr_ingest_csv.store.endings import Ending
from okr_ingest_csv.store.facts import Portion
from okr_ingest_csv.store.loads import Held
from okr_ingest_csv.store.quarantine import LetGo, Quarantine

__all__ = ["Claim", "Ending", "Held", "LetGo", "Portion", "Quarantine", "Store"]
