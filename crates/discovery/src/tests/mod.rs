mod page;
mod sites;
