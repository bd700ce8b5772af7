module github.com/sysops-api/sysops-api

go 1.26
