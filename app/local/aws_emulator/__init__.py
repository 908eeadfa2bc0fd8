"""What runs in the AWS emulator's own process: ministack, and beside it what keeps its state on disk.

start         the script that the emulator's Python runs
bare          the emulator without all this, for tests
server        puts the parts together, serves, and ends
journal       the SQLite file that holds every table, item and dead letter
commits       writes to the journal in groups; an answer waits until what it tells of is kept
tables        sees every change of DynamoDB, takes it back if it is not kept, fills the tables again at the start
notes         what one request changes
snapshot      the tables before a request that makes, changes or deletes one
streams       what is told of a table's changes: kept until its reader has passed it
tokens        of transactions, so that none is made twice
objects       S3's objects: whole, on disk, or refused
dead_letters  the messages of dead-letter queues
expiry        deletes what has expired, as AWS does
unreaped      ministack's DynamoDB without a thread that deletes items beside the requests
fitness       whether the installed ministack is one that all of this fits
foreign       which requests are not this machine's own
guard         refuses those

Nothing here imports anything of `app`: the emulator's environment has only ministack and the standard library. The
modules import each other relatively, because `start` loads the folder by its path.
"""
