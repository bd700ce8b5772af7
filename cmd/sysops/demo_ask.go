package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
)
