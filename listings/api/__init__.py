"""The API: what pages show of listings, as JSON under the names of the RESO Data Dictionary."""
