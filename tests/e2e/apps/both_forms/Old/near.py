TEXT = "from a folder"
