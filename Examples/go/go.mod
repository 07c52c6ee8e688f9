module example.com/signet

go 1.19
