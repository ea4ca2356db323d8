_stats;
