"""The commands of the command line, a file each; `barkcluster.cli` lists them."""
