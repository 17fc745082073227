"""For --pdb-mmem: each statement says that it ran."""
# ruff: noqa: F821


@profile
def work():
    held = []
    for i in range(4):
        held.append(bytearray(60 * 2**20))
        print("step", i)
    print("end")


work()
print("after")
