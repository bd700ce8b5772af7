package rangeexpr
