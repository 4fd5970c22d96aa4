"""The benchmark (`make bench`): our journey beside a bare Flask with one durable INSERT, in one run on one database."""
