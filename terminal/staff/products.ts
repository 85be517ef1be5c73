import { Argument, type Command, Option } from 'commander'
import { z } from 'zod'
import type { Ore } from '../../shared/money.ts'
import { CategoryCall, PriceCall, Product, ProductCall, ProductCategory } from '../../shared/office/products.ts'
import { command, group, idArgument, kronerArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { amount, instant, plain, table } from './output.ts'

const CATEGORIES = ProductCategory.options
const Products = z.object({ products: z.array(Product) })

/** `klubkort product …`: what is sold at a site. */
export function productCommands(klubkort: Command, desk: Desk) {
  const product = group(klubkort, 'product', 'what is sold at a site', 'klubkort product list --site 1')

  command(
    product,
    'add',
    'put a product on sale at a site',
    'klubkort product add --site 1 --name Toast --price 15,00 --category food',
  )
    .requiredOption('--site <id>', 'the site', idArgument)
    .requiredOption('--name <name>', 'its name on the till, at most 40 characters')
    .requiredOption('--price <kroner>', 'its price', kronerArgument)
    .addOption(new Option('--category <category>', 'what kind of thing it is').choices(CATEGORIES).default('other'))
    .action(async (form: { site: number; name: string; price: Ore; category: string }) => {
      const { site, name, price, category } = form
      const added = await change(desk, '/products', ProductCall, { site, name, price, category }, Product)
      desk.deliver(told(added, ({ id, name, price }) => `Product ${id} added: ${plain(name)}, ${amount(price)} kr`))
    })

  command(product, 'list', 'list products', 'klubkort product list', 'klubkort product list --site 1')
    .option('--site <id>', 'only those of this site', idArgument)
    .action(async ({ site }: { site?: number }) => {
      const listed = await read(desk, site === undefined ? '/products' : `/products?site=${site}`, Products)
      desk.deliver(
        told(listed, ({ products }) =>
          table(
            products,
            [
              { head: 'ID', cell: ({ id }) => id, align: 'right' },
              { head: 'SITE', cell: ({ site }) => site, align: 'right' },
              { head: 'NAME', cell: ({ name }) => name, flexible: true },
              { head: 'CATEGORY', cell: ({ category }) => category },
              { head: 'PRICE', cell: ({ price }) => amount(price), align: 'right' },
              { head: 'RETIRED', cell: ({ retiredAt }) => (retiredAt === null ? '' : instant(retiredAt)) },
            ],
            'No products.',
          ),
        ),
      )
    })

  command(product, 'set-price', 'change a price; sales made before keep theirs', 'klubkort product set-price 4 16,50')
    .argument('<id>', 'the product', idArgument)
    .argument('<kroner>', 'the new price', kronerArgument)
    .action(async (id: number, price: Ore) => {
      const changed = await change(desk, `/products/${id}/price`, PriceCall, { price }, Product)
      desk.deliver(
        told(changed, ({ id, name, price }) => `Product ${id}, ${plain(name)}, costs ${amount(price)} kr now.`),
      )
    })

  command(product, 'category', 'say what kind of thing a product is', 'klubkort product category 4 food')
    .argument('<id>', 'the product', idArgument)
    .addArgument(new Argument('<category>', 'the kind').choices(CATEGORIES))
    .action(async (id: number, category: string) => {
      const changed = await change(desk, `/products/${id}/category`, CategoryCall, { category }, Product)
      desk.deliver(told(changed, ({ id, name, category }) => `Product ${id}, ${plain(name)}, is ${category} now.`))
    })

  command(product, 'retire', 'take a product off sale', 'klubkort product retire 4')
    .argument('<id>', 'the product', idArgument)
    .action(async (id: number) => {
      const retired = await change(desk, `/products/${id}/retire`, z.strictObject({}), {}, Product)
      desk.deliver(told(retired, ({ id, name }) => `Product ${id}, ${plain(name)}, is off sale.`))
    })
}
