"""Control: how the commands of this machine's owner reach the process that runs on a data folder."""
